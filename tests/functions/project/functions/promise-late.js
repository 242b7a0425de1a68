exports.handler = (context, event, callback) => {
  setTimeout(() => callback(null, 'late'), 10);
};
