// The answer stands; the rejection is of no call.
exports.handler = (context, event, callback) => {
  callback(null, 'answered');
  setTimeout(() => Promise.reject(new Error('after the answer')), 5);
};
