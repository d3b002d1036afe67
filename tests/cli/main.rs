//! The program as a user runs it: one behaviour a test. Nothing here needs a network.

mod credentials;
mod explain;
mod init;
mod manual;
mod output;
mod permissions;
mod place;
mod refusals;
