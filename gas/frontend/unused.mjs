// Leaves out the rules of a style sheet whose classes occur in no page: of Bootstrap the pages use a seventh.

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

// A rule, or an @media block with its rules: two levels of braces.
const RULE = /([^{}]+)\{((?:[^{}]|\{[^{}]*\})*)\}/g
const CLASS = /\.(-?[A-Za-z_](?:[\w-]|\\.)*)/g

/** Every word in the templates, scripts and Python modules of a folder: a class that they can name is among them. */
export async function wordsOf(folder) {
  const words = new Set()
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.(html|py|js)$/.test(name) || name.startsWith('static')) continue
    const text = await readFile(join(folder, name), 'utf8')
    for (const word of text.match(/[\w-]+/g) ?? []) words.add(word)
  }
  return words
}

/** The style sheet without the selectors that name a class which is not among the words. Its license stays. */
export function withoutUnused(css, words) {
  const license = css.match(/\/\*![\s\S]*?\*\//g) ?? []
  return [...license, usedRules(css.replace(/\/\*[\s\S]*?\*\/|@charset[^;]*;/g, ''), words)].join('\n')
}

function usedRules(css, words) {
  const isUsed = (selector) => [...selector.matchAll(CLASS)].every(([, name]) => words.has(name.replaceAll('\\', '')))
  return css.replace(RULE, (rule, head, body) => {
    if (/^\s*@(media|supports)/.test(head)) {
      const inner = usedRules(body, words)
      return inner.trim() && `${head}{${inner}}`
    }
    if (/^\s*@/.test(head)) return rule
    const used = head.split(/,(?![^(]*\))/).filter(isUsed)
    return used.length ? `${used.join(',')}{${body}}` : ''
  })
}
