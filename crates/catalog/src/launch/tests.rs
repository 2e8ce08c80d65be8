//! Command lines as configs have them, and any words at all.

use proptest::prelude::*;

use super::*;

fn parsed(line: &str) -> Option<Package> {
    let mut words = line.split(' ').map(str::to_owned);
    let program = words.next().unwrap();
    package_of(&program, &words.collect::<Vec<_>>())
}

fn check(line: &str, name: &str, pinning: &Pinning) {
    let found = parsed(line).unwrap_or_else(|| panic!("nothing in `{line}`"));
    assert_eq!((found.name.as_str(), &found.pinning), (name, pinning), "{line}");
}

fn moving(text: &str) -> Pinning {
    Pinning::Moving(text.to_owned())
}

#[test]
fn packages_of_npm() {
    use Pinning::{Absent, Exact};
    check("npx -y @scope/pkg", "@scope/pkg", &Absent);
    check("npx -y @scope/pkg@latest run", "@scope/pkg", &moving("latest"));
    check("npx pkg@1.2.3 --port 5", "pkg", &Exact);
    check("npx pkg@1.2.3-beta.1+b", "pkg", &Exact);
    check("npx pkg@^1.2.3", "pkg", &moving("^1.2.3"));
    check("npx pkg@1.2", "pkg", &moving("1.2"));
    check("npx pkg@1.x.3", "pkg", &moving("1.x.3"));
    check("npx pkg@", "pkg", &Absent);
    check("npx -y --package=@a/b@2026.8.31 -- bin", "@a/b", &Exact);
    check("npx -p one -c two", "one", &Absent);
    check("npx --registry https://r.example pkg", "pkg", &Absent);
    check("npx github:user/repo", "github:user/repo", &Absent);
    check("npx github:user/repo#main", "github:user/repo", &moving("main"));
    check("npm exec -y -- pkg", "pkg", &Absent);
    check("pnpm dlx pkg@3.0.0", "pkg", &Exact);
    check("bunx --bun pkg", "pkg", &Absent);
    check("/usr/local/bin/npx.cmd pkg", "pkg", &Absent);
    check("cmd /c npx -y pkg", "pkg", &Absent);
    check("env A=b npx pkg", "pkg", &Absent);
    check("deno run -A npm:@a/b@1.0.0", "@a/b", &Exact);
    check("deno run -A https://h.example/x.ts?token=1", "https://h.example/x.ts", &Absent);
}

#[test]
fn packages_of_pypi() {
    use Pinning::{Absent, Exact};
    check("uvx mcp-server-git", "mcp-server-git", &Absent);
    check("uvx MCP_Server.Git==2026.1", "mcp-server-git", &Exact);
    check("uvx mcp-server-git@latest", "mcp-server-git", &moving("latest"));
    check("uvx mcp-server-git@0.6.2", "mcp-server-git", &Exact);
    check("uvx --from pkg[extra]==1.0 bin", "pkg", &Exact);
    check("uvx --from pkg>=1,<2 bin", "pkg", &moving(">=1,<2"));
    check("uvx --from pkg==1.* bin", "pkg", &moving("==1.*"));
    check("uvx --python 3.12 --with other pkg", "pkg", &Absent);
    check("uv tool run pkg", "pkg", &Absent);
    check("uv run --with mcp[cli]==1.2.3 mcp run s.py", "mcp", &Exact);
    check("pipx run --spec pkg==1.0 bin", "pkg", &Exact);
    let hash = "0123456789abcdef0123456789abcdef01234567";
    check(&format!("uvx --from git+https://u:secret@h/r@{hash} bin"), "git+https://h/r", &Exact);
    check("uvx --from git+https://h/r@main bin", "git+https://h/r", &moving("main"));
    check("uvx --from git+https://h/r#subdirectory=a bin", "git+https://h/r", &Absent);
}

#[test]
fn images_and_modules() {
    use Pinning::{Absent, Exact};
    check("docker run -i --rm mcp/git", "mcp/git", &Absent);
    check("docker run -i --rm -e TOKEN mcp/git:latest", "mcp/git", &moving("latest"));
    check("docker run -it -eTOKEN=x --mount type=bind,src=a mcp/git:1.2.3 --flag", "mcp/git", &Exact);
    check("docker run --network=host --name a docker.io/library/x:1.2.3-alpine", "x", &Exact);
    check("podman run h:5000/a/b:2026-08-31", "h:5000/a/b", &Exact);
    check("docker container run x:1", "x", &moving("1"));
    check(&format!("docker run x@sha256:{}", "a".repeat(64)), "x", &Exact);
    check("docker run x@sha256:short", "x", &Absent);
    check("go run example.com/m/cmd@latest", "example.com/m/cmd", &moving("latest"));
    check("go run example.com/m/cmd@v1.2.3", "example.com/m/cmd", &Exact);
}

#[test]
fn what_is_on_the_machine_is_no_package() {
    for line in [
        "node dist/index.js",
        "python -m server",
        "npx ./local",
        "npx /abs",
        "npx C:\\x",
        "npx",
        "npx -y",
        "npx ${PKG}",
        "npm start",
        "uv run server.py",
        "docker ps",
        "docker run",
        "go run ./cmd",
        "go run main",
        "cmd",
        "env",
        "sh -c",
        "deno run x.ts",
        "imagegen-mcp stdio",
    ] {
        assert_eq!(parsed(line), None, "{line}");
    }
}

#[test]
fn a_shell_does_not_hide_it() {
    let found = package_of("bash", &["-lc".into(), "A=1 exec npx -y 'pkg'@latest --x".into()]).unwrap();
    assert_eq!((found.name.as_str(), found.argument), ("pkg", 1));
    assert_eq!(parsed("npx -y --foo pkg").unwrap().argument, 2);
}

proptest! {
    #[test]
    fn any_words_are_read(program in "npx|uvx|docker|uv|sh|cmd|env|deno|go|pipx|.{0,5}",
        words in prop::collection::vec("(run|-c|--|-p|--from|[@:/.#=a-z0-9-]{0,12}|.{0,12})", 0..8)) {
        if let Some(package) = package_of(&program, &words) {
            prop_assert!(package.argument < words.len());
            prop_assert!(!package.name.is_empty());
        }
    }
}
