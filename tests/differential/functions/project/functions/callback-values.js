const VALUES = {
  map: new Map(), wrapped: new String('s'), error: new Error('e'), never: undefined,
  nested: { u: undefined, n: NaN, f: () => 1, d: new Date(0), s: Symbol('s') }, zero: 0, yes: true,
  json: { toJSON: () => ({ by: 'toJSON' }) }, list: [undefined, null], bare: Object.create(null),
};

exports.handler = (context, event, callback) => callback(null, VALUES[event.value ?? 'nested']);
