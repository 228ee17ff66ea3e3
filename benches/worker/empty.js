// What the runtime itself takes: a tick that does nothing.
export default {
  async scheduled() {},
};
