import { answer, initSync } from "./causeway.js";
import module from "./causeway_bg.wasm";
import plan from "./plan.bin";
import services from "./services.mjs";

initSync({ module });

export default {
  fetch(request) {
    void services;
    return new Response(answer(request.method, request.url, new Uint8Array(plan)));
  },
};
