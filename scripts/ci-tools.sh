#!/usr/bin/env bash
# Programs that tests run and that no package index has, built with Go into a cache: scripts/ci-tools.sh nuclei
# There, NAME is the program, and NAME.reason says why there is none. "unreachable: …" is no fault of ours: the
# test is skipped with it; anything else is, and the exit status says so. Quick when all is there; two at a time wait
# for one another.
set -uo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/rookery-test-tools
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

# sonic as nuclei requires it does not build with Go 1.26
nuclei=(github.com/projectdiscovery/nuclei/v3@v3.4.10 github.com/bytedance/sonic@v1.15.0)
ferretdb=(github.com/FerretDB/FerretDB@v1.24.2)
faults=0

# have NAME VERSION PACKAGE MODULE…: build PACKAGE, with the modules required, unless it is there. PACKAGE may be a file,
# FOLDER/main.go of this repository.
have() {
    local name=$1 version=$2 package=$3 folder reason
    shift 3
    [[ -x $cache/$name && $(cat "$cache/$name.version" 2>/dev/null) == "$version" ]] && return
    rm -f "$cache/$name" "$cache/$name.reason"
    folder=$(mktemp -d)
    [[ $package == *.go ]] && cp "$root/$package" "$folder" && package=.
    echo "building $name $version with Go; once, some minutes"
    reason=$(cd "$folder" && build "$cache/$name" "$package" "$@")
    if [[ -z $reason ]]; then
        echo "$version" >"$cache/$name.version"
    else
        echo "$reason" >"$cache/$name.reason"
        echo "$name: $reason"
        [[ $reason == "unreachable: "* ]] || faults=1
    fi
    rm -rf "$folder"
}

# build PROGRAM PACKAGE MODULE…: in this folder; prints why it cannot be.
build() {
    local program=$1 package=$2 said
    shift 2
    command -v go >/dev/null || { echo "unreachable: there is no go to build it with" && return; }
    # `go install` would ask for the list of all versions, which not every mirror gives; a module of our own does not.
    if ! said=$(go mod init tools 2>&1 && go mod edit "${@/#/-require=}" 2>&1 &&
        go list -mod=mod -deps "$package" 2>&1 >/dev/null); then
        missing "$said" "$@"
    elif ! said=$(go build -mod=mod -o "$program" "$package" 2>&1); then
        echo "it cannot be built: ${said##*$'\n'}"
    fi
}

# missing SAID MODULE…: why the modules cannot be had, of which Go said that. Where others of this script can be had, one
# that is not there does not exist: its version is wrong.
missing() {
    local said=$1 module answer gone="" others=0
    shift
    for module in "${nuclei[@]}" "${ferretdb[@]}"; do
        if answer=$(go list -m "$module" 2>&1); then
            others=1
        elif [[ " $* " == *" $module "* ]] && grep -qE "$NOT_THERE" <<<"$answer"; then
            gone+=" $module"
        fi
    done
    if [[ -n $gone && $others == 1 ]]; then
        echo "there is no such version:$gone"
    else
        echo "unreachable: its modules cannot be had: ${said##*$'\n'}"
    fi
}
NOT_THERE='404 Not Found|410 Gone|unknown revision|invalid version|version is not available'

for wanted in "$@"; do
    case $wanted in
    nuclei)
        have nuclei 3.4.10 github.com/projectdiscovery/nuclei/v3/cmd/nuclei "${nuclei[@]}"
        ;;
    ferretdb) # embedded in a program of ours: its own needs files that only its build makes
        have ferretdb 1.24.2 tests/ferretdb/main.go "${ferretdb[@]}"
        ;;
    *)
        echo "$0: no recipe for $wanted" >&2
        exit 2
        ;;
    esac
done
exit "$faults"
