//! `checks new` and `checks test`.

use crate::{
    brought::PLAIN,
    place::{Place, assert_shown},
};

#[test]
fn a_new_check_holds_at_once_and_is_never_overwritten() {
    let place = Place::new();
    for more in [&[][..], &["--graph", "/v1.0/subscribedSkus"]] {
        let id = if more.is_empty() { "license/some-are-left" } else { "license/others-are-left" };
        let args = [&["checks", "new", id, "--dir", "own"], more].concat();
        assert_eq!(place.run(&args).code, 0);
        let again = place.run(&args);
        assert!(again.code == 2 && again.stderr.contains("nothing is overwritten"), "{}", again.stderr);
    }
    let run = place.run(&["checks", "test", "own"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "2 checks, 8 examples, 0 failed\n"));
    let one = place.run(&["checks", "test", "own/license/some-are-left.toml"]);
    assert_eq!(one.stdout, "1 checks, 4 examples, 0 failed\n");
    let area = place.run(&["checks", "test", "own/license"]);
    assert_eq!(area.stdout, run.stdout);
}

#[test]
fn an_example_that_does_not_hold_shows_both_sides() {
    let place = Place::new();
    let text = format!("{PLAIN}[[example]]\nname = \"odd\"\nexpect = \"fail\"\ncause = \"proxy\"\n");
    place.write("own/account/plain.toml", &text);
    let run = place.run(&["checks", "test", "own"]);
    assert_eq!(run.code, 1);
    assert_shown("an_example_that_fails", &run.stdout);
}
