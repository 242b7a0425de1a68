// --- the check of a project, without running it ---------------------------------------------

/** `files` are `{ file, code }`; the answer has one entry for each mistake. */
function check(files) {
  process.chdir(files.base);
  const found = [];
  for (const { file, name } of files.list) {
    const source = name === undefined ? fs.readFileSync(file, 'utf8') : files.code[name];
    const mistake = parse(file, source, name !== undefined);
    if (mistake) found.push({ file, name, ...mistake });
    else if (file) found.push(...missingPackages(file, source));
  }
  send({ checked: found });
}

function parse(file, source, isCode) {
  if (/\.[cm]?ts$/.test(file ?? '')) return undefined;
  const filename = file ?? 'code';
  const text = isCode ? `(async function () {${source}\n})` : Module.wrap(source);
  const columns = isCode ? '(async function () {'.length : Module.wrapper[0].length;
  try {
    new vm.Script(text, { filename, columnOffset: -columns });
    return undefined;
  } catch (error) {
    if (!isCode && isModuleSyntax(file, error)) return parseModule(file, source);
    return place(filename, error, columns);
  }
}

function isModuleSyntax(file, error) {
  return file.endsWith('.mjs') || /import statement|'export'|import\.meta/.test(error.message)
    || /await is only valid/.test(error.message);
}

function parseModule(file, source) {
  // Only with `--experimental-vm-modules`, which the check has and the calls have not.
  if (!vm.SourceTextModule) return undefined;
  try {
    new vm.SourceTextModule(source, { identifier: file });
    return undefined;
  } catch (error) {
    return place(file, error);
  }
}

/** A syntax error has its file and line in the first line of its stack, and a caret below. */
function place(filename, error, wrapper = 0) {
  const lines = String(error.stack).split('\n');
  const line = Number(lines[0].slice(filename.length + 1)) || 1;
  const caret = lines.findIndex((text) => /^\s*\^+\s*$/.test(text));
  // The first line is shown with what was put in front of it.
  const shift = line === 1 ? wrapper : 0;
  const column = caret < 0 ? 1 : Math.max(1, lines[caret].indexOf('^') + 1 - shift);
  return { line, column, message: error.message };
}

// `require('x')` and `import('x')`; `import … from 'x'`, also over several lines; `import 'x'`.
const REQUIRED = new RegExp([
  /\b(?:require|import)\(\s*(?<q>['"])(?<call>[^'"\n]+)\k<q>\s*\)/,
  /^[ \t]*(?:import\b|export\b|\})[^'"\n;]*\sfrom\s*(?<p>['"])(?<from>[^'"\n]+)\k<p>/,
  /^[ \t]*import\s*(?<r>['"])(?<effect>[^'"\n]+)\k<r>/,
].map((it) => it.source).join('|'), 'gm');

function missingPackages(file, source) {
  const found = [];
  const { resolve } = createRequire(file);
  for (const match of source.matchAll(REQUIRED)) {
    const { call, from, effect } = match.groups;
    const name = call ?? from ?? effect;
    const before = source.slice(0, match.index);
    const lineStart = before.lastIndexOf('\n') + 1;
    // A line comment is not code. Other comments are not worth a parser.
    if (before.slice(lineStart).includes('//')) continue;
    try {
      resolve(name);
    } catch (error) {
      // A package for `import` alone is there.
      if (error.code !== 'MODULE_NOT_FOUND') continue;
      const line = before.split('\n').length;
      found.push({ file, line, column: match.index - lineStart + 1, missing: name });
    }
  }
  return found;
}
