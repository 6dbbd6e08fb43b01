// The "New job" page: ties the uploader to what is seen.

import { Builds } from './builds.js'
import { dropzone } from './dropzone.js'
import { Rows } from './rows.js'
import { Uploader } from './uploader.js'

const root = document.getElementById('uploader')

if (root) {
  const find = (name) => root.querySelector(`[data-part="${name}"]`)
  const start = find('start')
  const status = find('status')
  const finished = find('finished')
  const jobs = new Map() // file id → job page
  const names = new Map() // file id → its name
  let asking = '' // the file whose question was told last
  const stuck = new Set() // files in the list that are not, or cannot be, uploaded

  const say = (sentence) => {
    status.textContent = sentence
  }
  const count = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`

  const builds = new Builds(
    find('reference'),
    { buildsUrl: root.dataset.buildsUrl, csrf: root.dataset.csrf },
    {
      changed(id) {
        const view = builds.view(id)
        rows.showBuild(id, view)
        if (asking === id && !view.asks) {
          asking = ''
          say('')
        }
        refresh()
      },
      told(id, sentence) {
        asking = id
        say(`${names.get(id)}: ${sentence}`)
      },
    },
  )

  const uploader = new Uploader(
    {
      uploadsUrl: root.dataset.uploadsUrl,
      csrf: root.dataset.csrf,
      maxBytes: Number(root.dataset.maxBytes),
      suffixes: root.dataset.suffixes.split(' '),
      owner: root.dataset.owner,
      reference: (id) => builds.reference(id),
    },
    {
      added(id, file) {
        rows.add(id, file)
        rows.show(id, 'ready')
        names.set(id, file.name)
        builds.look(id, file)
        refresh()
      },
      refused(id, file, why) {
        rows.add(id, file)
        rows.show(id, 'refused', { note: why })
        stuck.add(id)
        say(`${file.name}: ${why}`)
      },
      repeated: (file) => say(`${file.name} is already in the list.`),
      removed(id) {
        rows.remove(id)
        builds.remove(id)
        names.delete(id)
        stuck.delete(id)
        refresh()
      },
      waiting: (id) => rows.show(id, 'waiting'),
      sending: (id) => rows.show(id, 'sending'),
      progress: (id, fraction, speed) => rows.progress(id, fraction, speed),
      confirming: (id) => rows.show(id, 'confirming'),
      done(id, url) {
        jobs.set(id, url)
        stuck.delete(id)
        rows.show(id, 'done', { url })
      },
      failed(id, { why, again, signIn }) {
        stuck.add(id)
        rows.show(id, 'failed', { note: why, again, signIn })
      },
      idle: settle,
    },
  )
  const rows = new Rows(find('rows'), find('row'), {
    remove: (id) => {
      uploader.remove(id)
      find('input').focus() // the button that had the focus is gone
    },
    retry: (id) => {
      uploader.retry(id)
      refresh()
    },
    choose: (id, reference) => builds.choose(id, reference),
    confirm: (id, yes) => builds.confirm(id, yes),
  })

  function refresh() {
    const ready = uploader.ready
    const again = ready ? 0 : uploader.failed
    const asked = [...names.keys()].some((id) => builds.blocks(id) && !jobs.has(id))
    start.disabled = (ready === 0 && again < 2) || uploader.busy || asked
    start.querySelector('[data-part="start-label"]').textContent =
      again > 1
        ? `Try ${again} files again`
        : ready > 1
          ? `Upload and annotate ${ready} files`
          : 'Upload and annotate'
    find('reference').disabled = uploader.busy
  }

  // When nothing is under way any more: to the job, to the list of jobs, or, if something failed, stay and tell.
  function settle() {
    refresh()
    if (stuck.size) {
      say(`${count(jobs.size, 'file')} uploaded, ${count(stuck.size, 'file')} not.`)
      finished.hidden = jobs.size === 0
      return
    }
    if (uploader.ready || !jobs.size) return
    const [only] = jobs.values()
    say(jobs.size === 1 ? 'Uploaded. Opening the job.' : `${jobs.size} files uploaded. Opening your jobs.`)
    window.location.assign(jobs.size === 1 ? only : root.dataset.jobsUrl)
  }

  start.addEventListener('click', () => {
    if (uploader.ready) uploader.start()
    else uploader.retryAll()
    refresh()
    say('Uploading.')
  })
  dropzone(find('zone'), find('input'), (files, folders) => uploader.add(files, folders))
  window.addEventListener('pagehide', () => uploader.leave())
  window.addEventListener('beforeunload', (event) => uploader.busy && event.preventDefault())
  refresh()
}
