// Builds gas/static/dist from gas/frontend: `npm run build`, or `npm run watch` while working on it.
// Names are stable; hashes for far-future caching are added by Django's manifest storage at collectstatic.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'
import { ICONS } from './icons.mjs'
import { withoutUnused, wordsOf } from './unused.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const dist = join(here, '..', 'static', 'dist')
const watch = process.argv.includes('--watch')

// One sprite instead of a font or a file per icon: pages refer to it as <use href="…/icons.svg#name">.
async function writeSprite() {
  const folder = join(here, '..', '..', 'node_modules', 'bootstrap-icons', 'icons')
  const symbols = await Promise.all(
    ICONS.map(async (name) => {
      const svg = await readFile(join(folder, `${name}.svg`), 'utf8')
      const inner = svg.replace(/^[\s\S]*?<svg[^>]*>|<\/svg>\s*$/g, '').replace(/\s*\n\s*/g, '')
      return `<symbol id="${name}" viewBox="0 0 16 16" fill="currentColor">${inner}</symbol>`
    }),
  )
  await writeFile(join(dist, 'icons.svg'), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>\n`)
}

// igv adds two <style> elements, which the content security policy forbids; a constructed style sheet is allowed.
const ADOPT = '((element) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(element.textContent); document.adoptedStyleSheets.push(sheet) })(style)'
const ADDED = [
  'document.documentElement.firstElementChild.appendChild(style)',
  'document.head.insertBefore(style, document.head.childNodes[ document.head.childNodes.length - 1 ])',
]
const adoptStyles = {
  name: 'adopt-styles',
  setup(build) {
    build.onLoad({ filter: /igv\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, 'utf8')
      for (const added of ADDED) {
        if (contents.split(added).length !== 2) throw new Error(`igv no longer has: ${added}`)
        contents = contents.replace(added, ADOPT)
      }
      return { contents, loader: 'js' }
    })
  },
}

const usedStyles = {
  name: 'used-styles',
  setup(build) {
    build.onLoad({ filter: /bootstrap\.css$/ }, async ({ path }) => {
      const words = await wordsOf(join(here, '..'))
      return { contents: withoutUnused(await readFile(path, 'utf8'), words), loader: 'css' }
    })
  },
}

const options = {
  absWorkingDir: here,
  entryPoints: ['theme.js', 'app.js', 'upload.js', 'passkeys.js', 'genome.js', 'css/app.css'],
  entryNames: '[name]',
  assetNames: 'fonts/[name]',
  outdir: dist,
  bundle: true,
  minify: !watch,
  format: 'iife',
  target: ['es2022'],
  loader: { '.woff2': 'file' },
  // Bootstrap's own data: images stay as they are; the policy allows img-src data:.
  external: ['data:*'],
  sourcemap: watch ? 'linked' : false,
  legalComments: 'external',
  logLevel: 'info',
  plugins: watch ? [adoptStyles] : [adoptStyles, usedStyles], // a class may be added while it watches
}

await rm(dist, { recursive: true, force: true })
await mkdir(dist, { recursive: true })
await writeSprite()
if (watch) {
  const context = await esbuild.context(options)
  await context.watch()
} else {
  await esbuild.build(options)
}
