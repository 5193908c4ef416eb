//! Names that are one for a whole transport: the sources of one endpoint share them, or must not.

use std::sync::Mutex;

use crate::entity::lock;

/// The canonical name of a transport's sources, and which MID is next.
#[derive(Default)]
pub(crate) struct Naming(Mutex<Names>);

#[derive(Default)]
struct Names {
    /// The one canonical name of all its Producers (RFC 8834 §4.9).
    cname: Option<String>,
    next_mid: u32,
}

impl Naming {
    /// The canonical name of every source of the endpoint: the first that it gives, else one that
    /// `random` makes.
    pub(crate) fn settle_cname(
        &self,
        given: Option<String>,
        random: impl FnOnce() -> String,
    ) -> String {
        let mut names = lock(&self.0);
        let settled = names.cname.take();
        let cname = settled.or(given).unwrap_or_else(random);
        names.cname = Some(cname.clone());
        cname
    }

    /// The MID of the next Consumer: 0, 1, … below 10⁸, because a MID has at most 8 bytes.
    pub(crate) fn next_mid(&self) -> String {
        let mut names = lock(&self.0);
        let mid = names.next_mid;
        names.next_mid = (mid + 1) % 100_000_000;
        mid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_canonical_name_stays() {
        let naming = Naming::default();
        let random = || "random".to_owned();
        assert_eq!(naming.settle_cname(Some("one".into()), random), "one");
        assert_eq!(naming.settle_cname(Some("two".into()), random), "one");
        assert_eq!(naming.settle_cname(None, random), "one");
        assert_eq!(Naming::default().settle_cname(None, random), "random");
    }

    #[test]
    fn mids_count_from_zero_and_stay_short() {
        let naming = Naming::default();
        assert_eq!([naming.next_mid(), naming.next_mid()], ["0", "1"]);
        lock(&naming.0).next_mid = 99_999_999;
        assert_eq!([naming.next_mid(), naming.next_mid()], ["99999999", "0"]);
    }
}
