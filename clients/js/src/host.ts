import type { Context, Host } from "./types.ts";

/** The platform's own clock and timers. They are looked up at each call, so that tests of an application can replace them. */
export const platform: Host = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimeout: (act, milliseconds) => setTimeout(act, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** What keeps the current request alive, where the platform has such a thing. */
export const current: { ctx?: Context } = {};

/** Resolves after this time. */
export function sleep(host: Host, milliseconds: number): Promise<void> {
  return new Promise((wake) => void host.setTimeout(wake, milliseconds));
}

/** What comes first: the result, or undefined after this time. The timer does not outlive the result. */
export function within<T>(host: Host, milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = host.setTimeout(() => resolve(undefined), milliseconds);
    work.then(resolve, reject).finally(() => host.clearTimeout(timer));
  });
}
