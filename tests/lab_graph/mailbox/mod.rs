//! Contacts, calendars and events in a mailbox, and their change feeds.

mod access;
mod caller;
mod contacts;
mod events;
