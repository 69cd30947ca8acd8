// The browser of the tests: Chromium without a window. Its headless shell needs less than half of the processor time of
// the whole program, which also draws in memory what nobody sees.
import { chromium } from 'playwright-core';

// `more`: further arguments of its command line. The caller closes it.
export function launchChromium(...more) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium-headless-shell',
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking', '--disable-gpu', '--no-first-run',
      '--disable-component-update', '--disable-sync', ...more],
  });
}
