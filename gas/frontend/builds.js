// Which reference each file is annotated with: proposed from the file's beginning, confirmed by the person where that
// is unclear or speaks against their choice. Where nothing can be told, the page's one choice holds.

import { askBuild } from './api.js'
import { readHead } from './head.js'

const CANNOT_TELL =
  'The genome build of this file cannot be told before the upload; its records will be checked against the reference.'
const PATIENCE = 8000 // milliseconds, after which a file goes without a proposal

/**
 * select: the page's choice of a reference. options: buildsUrl, csrf. changed(id): something of a file is to be shown
 * again; told(id, sentence): a proposal has come.
 */
export class Builds {
  #select
  #options
  #files = new Map() // id → {answer, own, confirmed, waiting}
  #before = Promise.resolve() // until the answers of all files so far have come
  #chosen = false // whether a file has made the page's choice,
  #byPerson = false // or the person, after which no file goes its own way without asking

  constructor(select, options, { changed, told }) {
    this.#select = select
    this.#options = { ...options, changed, told }
    select.addEventListener('change', () => {
      this.#byPerson = true
      for (const [id, file] of this.#files) {
        if (!file.own) file.confirmed = false
        changed(id)
      }
    })
  }

  get #names() {
    return [...this.#select.options].map((option) => option.value)
  }

  async look(id, data) {
    const file = { answer: null, own: '', confirmed: false, waiting: true }
    this.#files.set(id, file)
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null))
    const answer = Promise.race([this.#ask(data), late])
    // In the files' order, so that it is the first one that makes the page's choice, and not the quickest.
    this.#before = Promise.all([answer, this.#before])
    ;[file.answer] = await this.#before
    file.waiting = false
    if (!this.#files.has(id)) return
    const chose = this.#propose(file)
    this.#options.changed(id)
    const { text, asks } = this.view(id)
    if (asks) this.#options.told(id, text)
    else if (chose) this.#options.told(id, `${file.answer.reason} ${chose} is chosen for it.`)
  }

  async #ask(data) {
    const head = await readHead(data)
    if (head?.other) return { fit: 'other', reason: `This is ${head.other}, not a VCF.`, ask: true, fits: [] }
    if (!head || (!head.header.length && !head.records.length)) return null
    const { header, records } = head
    return askBuild(this.#options.buildsUrl, this.#options.csrf, { header, records })
  }

  // The first file that is sure of its reference makes the page's choice, unless the person has; any other its own.
  // Returns the newly chosen reference, '' for none.
  #propose(file) {
    const { answer } = file
    if (!answer || answer.ask || this.#byPerson || !this.#names.includes(answer.reference)) return ''
    const others = [...this.#files.values()].filter((other) => other !== file && !other.waiting && !other.own)
    const free = !this.#chosen && !others.some((other) => !other.answer || other.confirmed)
    this.#chosen = true
    if (answer.fits.includes(this.#select.value)) return ''
    if (free) this.#select.value = answer.reference
    else file.own = answer.reference
    return answer.reference
  }

  remove(id) {
    this.#files.delete(id)
  }

  reference(id) {
    return this.#files.get(id)?.own || this.#select.value
  }

  choose(id, reference) {
    const file = this.#files.get(id)
    file.own = reference
    file.confirmed = file.answer.fit === 'unclear' && reference !== ''
    this.#options.changed(id)
  }

  confirm(id, yes) {
    this.#files.get(id).confirmed = yes
    this.#options.changed(id)
  }

  /** Whether the file may not be uploaded yet. */
  blocks(id) {
    const file = this.#files.get(id)
    return Boolean(file) && (file.waiting || this.view(id).asks)
  }

  /**
   * What a file's row shows: {text, warns, asks, choice, chosen, box, checked}. choice: the references to choose
   * from, [] for no choice; box: the label of the confirmation box, '' for none.
   */
  view(id) {
    const { answer, own, confirmed, waiting } = this.#files.get(id) ?? { waiting: true }
    const none = { text: '', warns: false, asks: false, choice: [], chosen: '', box: '', checked: false }
    if (waiting) return none
    if (!answer) return { ...none, text: CANNOT_TELL }
    if (answer.fit === 'other') {
      const text = `${answer.reason} Its annotation would fail.`
      return { ...none, text, warns: true, asks: !confirmed, box: 'Upload it anyway', checked: confirmed }
    }
    const reference = own || this.#select.value
    if (answer.fit === 'unclear') return this.#unclear(answer, reference, confirmed)
    if (!answer.fits.includes(reference)) return this.#mismatch(answer, reference, confirmed)
    const tells = this.#several || answer.fit !== 'certain'
    return { ...none, text: tells ? answer.reason : '', choice: own ? this.#names : [], chosen: reference }
  }

  get #several() {
    return this.#names.length > 1
  }

  /** The row of a file that may fit more than one reference, or none that is known here. */
  #unclear(answer, reference, confirmed) {
    return {
      text: this.#several ? `${answer.reason} Choose the one to annotate it against.` : answer.reason,
      warns: !confirmed,
      asks: !confirmed,
      choice: this.#several ? this.#names : [],
      chosen: confirmed ? reference : '',
      box: this.#several ? '' : `Annotate it against ${reference}`,
      checked: confirmed,
    }
  }

  /** The row of a file that does not fit the chosen reference. */
  #mismatch(answer, reference, confirmed) {
    const against = answer.fit === 'none' ? '' : ` You chose ${reference}.`
    return {
      text: `${answer.reason}${against} A job on the wrong build is stopped.`,
      warns: true,
      asks: !confirmed,
      choice: this.#several ? this.#names : [],
      chosen: reference,
      box: `Annotate it against ${reference} anyway`,
      checked: confirmed,
    }
  }
}
