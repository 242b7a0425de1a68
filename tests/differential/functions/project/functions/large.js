exports.handler = (context, event, callback) => {
  const text = 'é'.repeat(50_000);
  callback(null, { text, length: text.length });
};
