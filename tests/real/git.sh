#!/usr/bin/env bash
# git: the pack protocol, delta compression on two threads, and fsck, on a generated history of 3000 commits, and on this
# repository where it is one. The clone holds the same commits and trees, and fsck finds nothing.
source "$(dirname "$0")/common.sh"
need git perl
bound git git --version
git config --global safe.directory '*'
git config --global pack.threads 2

# 3000 commits of 400 files, some of each changed a little in every one.
cat >history.pl <<'PERL'
my @lines = map { my $f = $_; [map { "file $f line $_ " . 'x' x ($f * $_ % 60) } 1 .. 100] } 0 .. 399;
for my $c (1 .. 3000) {
    print "commit refs/heads/main\ncommitter A U Thor <author\@example.com> ", 1600000000 + $c * 60, " +0000\n";
    print 'data ', length("Change $c\n"), "\nChange $c\n";
    for my $f (map { ($c * 37 + $_ * 101) % 400 } 0 .. 4) {
        $lines[$f][$c * 13 % 100] = "changed by $c " . $c * $c;
        my $text = join "\n", @{$lines[$f]}, '';
        printf "M 100644 inline dir%d/file%d\ndata %d\n%s\n", $f % 20, $f, length $text, $text;
    }
}
PERL

# state GIT_DIR: what must be the same in two repositories.
state() {
    git -C "$1" rev-parse HEAD 'HEAD^{tree}'
    git -C "$1" rev-list --count HEAD
}

# check_clone NAME SOURCE: clone SOURCE, pack it anew, and check what came of it.
check_clone() {
    on_loam git clone -q --bare "file://$2" "$1"
    on_loam git -C "$1" repack -q -adf --window=20
    on_loam git -C "$1" fsck --full --strict --no-progress >fsck.log 2>&1 || fail "fsck: $(cat fsck.log)"
    # The source may go on: what the clone's HEAD names is there in any case.
    head=$(git -C "$1" rev-parse HEAD)
    same "commits of $1" "$(git -C "$2" rev-list --count "$head")" "$(on_loam git -C "$1" rev-list --count HEAD)"
    same "log of $1" "$(git -C "$2" log --numstat "$head" | sha256sum)" \
        "$(on_loam git -C "$1" log --numstat "$head" | sha256sum)"
    commits+=("$(git -C "$1" rev-list --count HEAD)")
}

commits=()
for name in plain generated; do
    git init -q --bare -b main "$name"
done
perl history.pl >stream
git -C plain fast-import --quiet <stream
on_loam git -C generated fast-import --quiet <stream
same "imported history" "$(state plain)" "$(state generated)"

check_clone generated.git "$work/generated"
if git -C "$repo" rev-parse -q --verify HEAD >/dev/null 2>&1; then
    check_clone loam.git "$repo"
fi
echo "git: import, clone, repack and fsck of ${commits[*]/%/ commits}, history equal"
