// Time-outs.

import { TimedOut } from './trouble.mjs';

export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// How long a store of the platform may take in milliseconds where no request waits for it.
export const STORE_TIMEOUT = 10_000;

// What a promise comes to within so many milliseconds, else a TimedOut or what `error` makes, and then `late` is called.
// What nobody waits for any more is cut off by the platform, and then it would neither come nor fail.
export async function in_time(promise, ms, late, error = () => new TimedOut()) {
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(error());
      late?.();
    }, ms);
  });
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
  }
}
