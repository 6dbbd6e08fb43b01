// The genome view: igv, with the job's own reference and result, and nothing from anywhere else.

import igv from 'igv/dist/igv.esm.js'

const place = document.getElementById('genome')

async function draw() {
  const browser = await igv.createBrowser(place, {
    ...JSON.parse(place.dataset.genome),
    // No list of genomes, no search service, no sharing: no request leaves for another host.
    loadDefaultGenomes: false,
    search: false,
    showSVGButton: false,
    showIdeogram: false,
    showSampleNames: true,
  })
  for (const input of place.shadowRoot.querySelectorAll('input')) {
    if (!input.ariaLabel) input.ariaLabel = input.type === 'range' ? 'Zoom' : 'Place'
  }
  place.dataset.drawn = browser.currentLoci().toString()
}

draw().catch((error) => {
  place.dataset.failed = 'yes'
  place.textContent = `The genome view could not be drawn: ${error.message ?? error}`
})
