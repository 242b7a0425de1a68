exports.handler = (context, event, callback) => {
  const sync = Runtime.getSync({ serviceName: 'IS1' });
  const parts = [sync.maps === sync.syncMaps, sync.lists === sync.syncLists, typeof sync.documents];
  callback(null, { parts, uri: sync._uri ?? '', map: typeof Runtime.getSync().maps('m').syncMapItems });
};
