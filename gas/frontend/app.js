// What every page loads: htmx with its morph extension, live regions, menus, local times and countdowns.

import 'htmx.org'
import './morph.js'
import './live.js'
import './menu.js'
import { lazyCharts } from './charts.js'
import { arrowKeys } from './keys.js'
import { countdowns } from './countdown.js'
import { localTimes } from './times.js'
import { loadOnDemand } from './ondemand.js'
import { submitOnce } from './forms.js'

function tellTimes() {
  localTimes(document)
  countdowns(document)
}

tellTimes()
submitOnce(document)
arrowKeys(document)
lazyCharts()
loadOnDemand(document)
// Before the browser draws what was swapped in, so that nobody sees the server's words in between.
document.addEventListener('htmx:afterSwap', tellTimes)
