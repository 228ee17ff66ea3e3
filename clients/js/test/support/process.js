/** Collects what a program says, and waits until it says something that fits: the match, and all that it says. */
export function saying(child, pattern) {
  const said = { text: "" };
  const match = new Promise((resolve, reject) => {
    const hear = (part) => {
      said.text += part;
      const match = said.text.match(pattern);
      if (match) resolve(match);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("exit", () => reject(new Error(said.text)));
  });
  return { said, match };
}
