// Files come by the button or by dropping them anywhere on the page: a near miss must not make the browser open
// the file and leave the page. addFiles(files, folders): a browser gives a folder as a file that cannot be read.

export function dropzone(zone, input, addFiles) {
  let depth = 0 // dragenter and dragleave also fire for every child
  const carriesFiles = (event) => event.dataTransfer?.types.includes('Files')
  const highlight = (on) => zone.classList.toggle('is-over', on)

  document.addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return
    depth += 1
    highlight(true)
  })
  document.addEventListener('dragleave', (event) => {
    if (!carriesFiles(event)) return
    depth -= 1
    if (depth <= 0) highlight(false)
  })
  document.addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault())
  document.addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return
    event.preventDefault()
    depth = 0
    highlight(false)
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry())
    const files = [...event.dataTransfer.files]
    addFiles(files, new Set(files.filter((_, number) => entries[number]?.isDirectory)))
  })
  input.addEventListener('change', () => {
    addFiles([...input.files], new Set())
    input.value = '' // the same file can be chosen again after it was corrected
  })
}
