exports.handler = (context, event, callback) => {
  const assets = Runtime.getAssets();
  callback(null, { keys: Object.keys(assets), text: assets['/secret.json'].open() });
};
