exports.handler = async (context, event, callback) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return callback(null, { later: true });
};
