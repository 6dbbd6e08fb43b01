// A script that is large is loaded when somebody asks for what it shows: <button data-load="its address">.

/** Called once. */
export function loadOnDemand(root) {
  root.addEventListener('click', (event) => {
    const button = event.target.closest?.('button[data-load]')
    if (!button || button.disabled) return
    button.disabled = true
    button.closest('[data-load-area]')?.setAttribute('aria-busy', 'true')
    const script = document.createElement('script')
    script.src = button.dataset.load
    script.addEventListener('load', () => {
      button.hidden = true
      button.closest('[data-load-area]')?.removeAttribute('aria-busy')
    })
    script.addEventListener('error', () => {
      button.disabled = false
    })
    document.head.append(script)
  })
}
