exports.handler = () => { setTimeout(() => { throw new Error('in a timer'); }, 5); };
