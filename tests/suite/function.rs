//! Stage 6 over real sockets: what is sent, and what comes of every answer.

mod answers;
mod caller;
mod connections;
mod deadline;
mod egress;
mod endpoints;
mod faults;
mod redirects;
mod requests;
mod tls;
