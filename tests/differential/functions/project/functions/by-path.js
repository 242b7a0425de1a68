const path = require('path');
const neighbour = require('./helpers/shared.private.js');
const data = require('../assets/data/list.private.json');

exports.handler = (context, event, callback) => {
  callback(null, {
    neighbour: neighbour.salutation,
    data,
    directory: path.basename(__dirname),
    file: path.basename(__filename),
    relative: path.relative(process.cwd(), __filename),
    resolved: path.basename(require.resolve('./voice-menu')),
    cached: Object.keys(require.cache).some((key) => key.endsWith('shared.private.js')),
    main: require.main === module,
  });
};
