exports.handler = async (context, event, callback) => {
  const outcome = await fetch('http://127.0.0.1:9/').catch((error) => error.cause?.message ?? error.message);
  callback(null, String(outcome));
};
