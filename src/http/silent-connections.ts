// The connections of a listener on which nothing was asked yet: opened in advance, by a check of a load balancer, or in the
// middle of a TLS handshake. Node calls them neither idle nor done, so a server that stops would wait for them. And those that it
// calls idle too early: when the last byte of an answer was handed over, though the client has not taken the half of it.
import type http from "node:http";
import type { Socket } from "node:net";

export interface SilentConnections {
  /** Closes those on which nothing was asked so far. */
  close(): void;
  /** Whether bytes of an answer wait for a client on some connection. server.closeIdleConnections() would cut them off. */
  haveUnsent(): boolean;
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
    haveUnsent: () => [...opened.keys()].some((socket) => socket.writableLength > 0),
    closeAll() {
      for (const socket of opened.keys()) socket.destroy();
    },
  };
}
