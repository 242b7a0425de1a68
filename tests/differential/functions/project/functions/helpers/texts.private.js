const shared = require(Runtime.getFunctions()['helpers/shared'].path);
exports.greet = (name) => `${shared.salutation} ${name}`;
