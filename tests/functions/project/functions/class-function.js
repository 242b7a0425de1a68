// What `this` and other exports are does not matter.
exports.other = 1;
exports.handler = function (context, event, callback) { callback(null, typeof this); };
