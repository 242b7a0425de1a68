exports.handler = (context, event, callback) => {
  callback(null, { nul: '\0', lone: '\ud800', separators: '\u2028\u2029', html: '</script>', bom: '\ufeff' });
};
