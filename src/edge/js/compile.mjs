// The compiler of configs, in an instance of its own that lives for one config.

import * as compiler from './compiler.js';
import wasm from './compiler_bg.wasm';

// The config's text, compiled; undefined where it is not to be used, of which the log tells. A text with errors
// compiles to a plan that closes what they are about; `faulty` says that even such a one is wanted.
export function compile(source, text, faulty) {
  compiler.initSync({ module: wasm });
  try {
    return compiler.compile(source, text, faulty);
  } catch (error) {
    console.error(`config: ${source}: it could not be compiled: ${error}`);
    return undefined;
  } finally {
    // A new instance takes the place of this one, whose memory may be large or was left in mid-flight.
    compiler.__wbg_reset_state();
  }
}
