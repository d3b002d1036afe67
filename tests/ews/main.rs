//! EWS against a server whose manners differ from Exchange's and from the lab's.

mod client;
mod collector;
mod machine;
mod mailbox;
mod requests;
mod stub;
