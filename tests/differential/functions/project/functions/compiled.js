"use strict";
// As TypeScript's compiler writes a module.
Object.defineProperty(exports, "__esModule", { value: true });
exports.handler = void 0;
const handler = async function (context, event, callback) { return callback(null, { compiled: true }); };
exports.handler = handler;
