// Runs lines of Python in WebAssembly: node wasm_run.mjs PACKAGE_FOLDER APPLICATION JSON_LIST
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, application, steps] = process.argv.slice(2);
const { loadMicroPython } = await import(pathToFileURL(join(folder, "micropython.mjs")));
const mp = await loadMicroPython({ heapsize: 1 << 20, stdout: (line) => console.log(line) });

function copy(from, to) {
  mp.FS.mkdir(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), `${to}/${entry.name}`];
    if (entry.isDirectory()) copy(source, target);
    else mp.FS.writeFile(target, readFileSync(source));
  }
}

copy(application, "/app");
mp.runPython("import sys\nsys.path[:] = ['/app']\n");
for (const step of JSON.parse(steps)) {
  mp.runPython("import gc\ngc.collect()");
  mp.runPython(step);
}
