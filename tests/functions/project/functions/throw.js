exports.handler = () => { throw new TypeError('at once'); };
