// The beginning of a file: the header lines that tell its genome build, and its first records. Nothing else is read,
// and nothing else leaves the browser before the upload.

const READ = 256 * 1024 // bytes of the file
const TEXT = 1024 * 1024 // bytes that they may unpack to
const LINES = 5000
const LONGEST = 1000
const RECORDS = 200
const BASES = 50
const TELLING = ['##contig=', '##reference=', '##assembly=']

// First bytes of files that people mistake for a VCF, after decompression.
const OTHERS = [
  ['PK\x03\x04', 'a zip archive or an office document'],
  ['BAM\x01', 'a BAM alignment file'],
  ['CRAM', 'a CRAM alignment file'],
  ['@', 'a FASTQ or SAM file'],
  ['>', 'a FASTA file'],
  ['%PDF', 'a PDF'],
  ['<', 'a web page'],
]

/**
 * {header: [line], records: [[CHROM, POS, REF]], other}, or null if the file is none that a browser can read. other:
 * what the file is if it is certainly no VCF, in words; '' else.
 */
export async function readHead(file) {
  try {
    const bytes = await unpacked(new Uint8Array(await file.slice(0, READ).arrayBuffer()))
    const start = String.fromCharCode(...bytes.subarray(0, 8))
    const other = OTHERS.find(([magic]) => start.startsWith(magic))?.[1] ?? ''
    if (other) return { header: [], records: [], other }
    const text = decode(bytes)
    return text.startsWith('#') ? telling(text) : null
  } catch {
    return null // the file has gone, or the browser is too old
  }
}

function telling(text) {
  const lines = text.split(/\r\n|\n|\r/)
  lines.pop() // cut off where reading stopped, or empty
  const columns = lines.findIndex((line) => line.startsWith('#CHROM'))
  const header = (columns < 0 ? lines : lines.slice(0, columns)).filter(
    (line) => line.length <= LONGEST && TELLING.some((start) => line.startsWith(start)),
  )
  const records = []
  if (columns >= 0) {
    for (const line of lines.slice(columns + 1, columns + 1 + RECORDS)) {
      const [name, pos, , ref] = line.split('\t', 4)
      if (ref && /^\d{1,12}$/.test(pos)) records.push([name, Number(pos), ref.slice(0, BASES)])
    }
  }
  return { header: header.slice(0, LINES), records, other: '' }
}

/** Text of a VCF, or the header of a BCF, which is text as well: behind 5 bytes of magic and 4 with its length. */
function decode(bytes) {
  const magic = String.fromCharCode(...bytes.subarray(0, 3))
  if (magic !== 'BCF') return new TextDecoder().decode(bytes)
  const size = bytes[5] | (bytes[6] << 8) | (bytes[7] << 16)
  return new TextDecoder().decode(bytes.subarray(9, 9 + size))
}

async function unpacked(bytes) {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes
  const parts = []
  let size = 0
  let at = 0
  // bgzip is a row of small gzip files, each of which tells its size (SAM specification, section 4.1).
  while (at + 18 <= bytes.length && bytes[at + 3] === 4 && bytes[at + 12] === 66 && bytes[at + 13] === 67) {
    const end = at + (bytes[at + 16] | (bytes[at + 17] << 8)) + 1
    if (end > bytes.length || size > TEXT) break
    const part = await inflate(bytes.subarray(at, end))
    parts.push(part)
    size += part.length
    at = end
  }
  return at > 0 ? joined(parts) : inflate(bytes)
}

// What comes after a cut is an error to a DecompressionStream, which would discard what it has returned: so the stream
// is never closed, and has ended when all of its input is taken and nothing more comes out.
async function inflate(bytes) {
  const stream = new DecompressionStream('gzip')
  const writer = stream.writable.getWriter()
  const reader = stream.readable.getReader()
  const taken = writer.write(bytes).then(
    () => new Promise((resolve) => setTimeout(resolve, 0, { done: true })),
    () => ({ done: true }),
  )
  const parts = []
  for (let size = 0; size < TEXT; size += parts.at(-1).length) {
    const { done, value } = await Promise.race([reader.read(), taken])
    if (done) break
    parts.push(value)
  }
  reader.cancel().catch(() => {})
  writer.abort().catch(() => {})
  return joined(parts)
}

function joined(parts) {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
