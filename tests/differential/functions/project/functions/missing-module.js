exports.handler = (context, event, callback) => {
  try {
    require('got-is-not-installed');
  } catch (error) {
    return callback(null, { code: error.code, first: error.message.split('\n')[0] });
  }
};
