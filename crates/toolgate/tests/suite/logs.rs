//! `toolgate logs`

use crate::harness::Folder;

#[test]
fn the_latest_lines_of_a_server() {
    let folder = Folder::new();
    folder.write(".toolgate/logs/images.log", "one\ntwo\nthree\n");
    assert_eq!(folder.run("logs images -n 2").with_code(0), "two\nthree\n");
    assert_eq!(folder.run("logs images").with_code(0), "one\ntwo\nthree\n");
    let ran = folder.run("logs others");
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("others.log"), "{}", ran.err);
    assert_eq!(folder.run("logs ../images").code, 2);
    assert_eq!(folder.run("logs images --data-dir none").code, 3);
}
