// The built Worker, which tells over HTTP how many bytes of memory its WebAssembly has. That never shrinks.
import { made } from "./instance.js";
import Worker from "built";

export default class extends Worker {
  fetch() {
    return new Response(made.instance.exports.memory.buffer.byteLength);
  }
}
