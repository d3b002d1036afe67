pub(super) const CALLS: &[super::Call] = &[];
