// The gateway, and how much memory its WebAssembly has: the answer to one more path.
import gateway from './worker.mjs';
import { initSync } from './causeway.js';

export default {
  fetch(request, env, ctx) {
    if (request.url.endsWith('/.wasm-memory')) {
      // The instance is there already: this only hands out its exports.
      return new Response(String(initSync().memory.buffer.byteLength));
    }
    return gateway.fetch(request, env, ctx);
  },
};
