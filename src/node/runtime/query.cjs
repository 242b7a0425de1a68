// --- the query of a URL -----------------------------------------------------------------------

const QUERY_DEPTH_MAX = 5;
const QUERY_INDEX_MAX = 20;
const QUERY_PARAMETERS_MAX = 1000;

/** A query as Express reads it: `x[y]=1` nests, `x[]=1` and `x[0]=1` are arrays. */
function parseQuery(query) {
  const flat = new Map();
  for (const part of query.split('&', QUERY_PARAMETERS_MAX)) {
    const text = part.replace(/%5b/gi, '[').replace(/%5d/gi, ']');
    const inBrackets = text.indexOf(']=');
    const at = inBrackets < 0 ? text.indexOf('=') : inBrackets + 1;
    const name = decodeQuery(at < 0 ? text : text.slice(0, at));
    const value = at < 0 ? '' : decodeQuery(text.slice(at + 1));
    if (name) flat.set(name, flat.has(name) ? [flat.get(name), value].flat() : value);
  }
  const event = {};
  for (const [name, value] of flat) mergeQuery(event, nestQuery(name, value));
  return compactQuery(event);
}

function decodeQuery(text) {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try { return decodeURIComponent(spaced); } catch { return spaced; }
}

/** The parts of a name: `a[b][]` has `a`, `[b]` and `[]`. What is too deep is one part. */
function splitQueryName(name) {
  const parts = [];
  let open = name.indexOf('[');
  if (open !== 0) parts.push(open < 0 ? name : name.slice(0, open));
  for (let count = 0; open >= 0; count += 1) {
    const close = count < QUERY_DEPTH_MAX ? closingBracket(name, open) : -1;
    if (close < 0) return [...parts, `[${name.slice(open)}]`];
    parts.push(name.slice(open, close + 1));
    open = name.indexOf('[', close + 1);
  }
  return parts;
}

function closingBracket(name, open) {
  let level = 0;
  for (let at = open; at < name.length; at += 1) {
    if (name[at] === '[') level += 1;
    else if (name[at] === ']') level -= 1;
    if (level === 0) return at;
  }
  return -1;
}

/** `a[b][]` as `{ a: { b: [value] } }`. */
function nestQuery(name, value) {
  return splitQueryName(name).reduceRight((leaf, part) => {
    if (part === '[]') return [leaf].flat();
    const isInside = part.startsWith('[') && part.endsWith(']');
    const key = isInside ? part.slice(1, -1) : part;
    const index = Number.parseInt(key, 10);
    const isIndex = isInside && String(index) === key && index >= 0 && index < QUERY_INDEX_MAX;
    if (isIndex) return Object.assign([], { [index]: leaf });
    return key === '__proto__' ? {} : { [key]: leaf };
  }, value);
}

function mergeQuery(target, source) {
  if (typeof source !== 'object') {
    return [target, source].flat();
  }
  if (Array.isArray(target) && Array.isArray(source)) {
    source.forEach((it, index) => {
      const old = target[index];
      if (!(index in target)) target[index] = it;
      else if (isObject(old) && isObject(it)) target[index] = mergeQuery(old, it);
      else target.push(it);
    });
    return target;
  }
  const merged = Array.isArray(target) ? { ...target } : target;
  for (const [key, value] of Object.entries(source)) {
    if (!Object.hasOwn(merged, key)) merged[key] = value;
    else if (isObject(merged[key])) merged[key] = mergeQuery(merged[key], value);
    else merged[key] = [merged[key], value].flat();
  }
  return merged;
}

function isObject(value) {
  return typeof value === 'object' && value !== null;
}

/** Without the holes of `a[5]=1`. */
function compactQuery(value) {
  if (Array.isArray(value)) return value.filter(() => true).map(compactQuery);
  if (!isObject(value)) return value;
  for (const key of Object.keys(value)) value[key] = compactQuery(value[key]);
  return value;
}
