// The "New job" page: ties the uploader to what is seen.

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
  const stuck = new Set() // files in the list that are not, or cannot be, uploaded

  const say = (sentence) => {
    status.textContent = sentence
  }
  const count = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`

  const uploader = new Uploader(
    {
      uploadsUrl: root.dataset.uploadsUrl,
      csrf: root.dataset.csrf,
      maxBytes: Number(root.dataset.maxBytes),
      suffixes: root.dataset.suffixes.split(' '),
      reference: () => find('reference').value,
    },
    {
      added(id, file) {
        rows.add(id, file)
        rows.show(id, 'ready')
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
        stuck.delete(id)
        refresh()
      },
      waiting: (id) => rows.show(id, 'waiting'),
      sending: (id) => rows.show(id, 'sending'),
      progress: (id, fraction) => rows.progress(id, fraction),
      confirming: (id) => rows.show(id, 'confirming'),
      done(id, url) {
        jobs.set(id, url)
        stuck.delete(id)
        rows.show(id, 'done', { url })
      },
      failed(id, why) {
        stuck.add(id)
        rows.show(id, 'failed', { note: why, again: true })
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
  })

  function refresh() {
    const ready = uploader.ready
    start.disabled = ready === 0 || uploader.busy
    start.querySelector('[data-part="start-label"]').textContent =
      ready > 1 ? `Upload and annotate ${ready} files` : 'Upload and annotate'
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
    uploader.start()
    refresh()
    say('Uploading.')
  })
  dropzone(find('zone'), find('input'), (files) => uploader.add(files))
  window.addEventListener('beforeunload', (event) => uploader.busy && event.preventDefault())
  refresh()
}
