import { basename } from 'node:path';
export const handler = (context, event, callback) => callback(null, basename('/a/b.c'));
