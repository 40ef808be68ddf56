// The connections of a listener on which nothing was asked yet: opened in advance, by a check of a load balancer, or in the
// middle of a TLS handshake. Node calls them neither idle nor done, so a server that stops would wait for them.
import type http from "node:http";
import type { Socket } from "node:net";

export interface SilentConnections {
  /** Closes those on which nothing was asked so far. */
  close(): void;
  /** Closes every connection, whatever is under way on it. */
  closeAll(): void;
}

/** Watches a listener, before it listens; TLS handshakes count as silence until their first request. */
export function silentConnections(server: http.Server): SilentConnections {
  const opened = new Map<Socket, number>();
  const remember = (socket: Socket): void => {
    opened.set(socket, socket.bytesRead);
    socket.once("close", () => opened.delete(socket));
  };
  server.on("connection", remember).on("secureConnection", remember);
  return {
    close() {
      for (const [socket, atFirst] of opened) if (socket.bytesRead === atFirst) socket.destroy();
    },
    closeAll() {
      for (const socket of opened.keys()) socket.destroy();
    },
  };
}
