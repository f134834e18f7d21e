/**
 * Node's own HTTP modules. An `import` of `node:http` reads every export it has; one of them is WebSocket, and reading
 * it loads all of undici: 14 MB of memory that nothing here needs. Asked for in this way, nothing more is loaded.
 */

export const http = process.getBuiltinModule('node:http');
export const https = process.getBuiltinModule('node:https');
