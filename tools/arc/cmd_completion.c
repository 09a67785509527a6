/*
 * completion: what a shell must know to ask `arc __complete`.
 */
#include <string.h>

#include "arc.h"
#include "commands.h"

static const char bash[] =
    "# Completion of arc in bash: source <(arc completion bash)\n"
    "_arc() {\n"
    "    local word line\n"
    "    word=${COMP_WORDS[COMP_CWORD]}\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r line _; do\n"
    "        case $line in\n"
    "        :files)\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"${word#=}\")\n"
    "            ;;\n"
    "        :directories)\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -d -- \"${word#=}\")\n"
    "            ;;\n"
    "        *)\n"
    "            COMPREPLY+=(\"$line\")\n"
    "            ;;\n"
    "        esac\n"
    "    done < <(\"$1\" __complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -F _arc arc\n";

static const char zsh[] =
    "#compdef arc\n"
    "# Completion of arc in zsh: source <(arc completion zsh)\n"
    "_arc() {\n"
    "    local line\n"
    "    local -a lines candidates\n"
    "    lines=(\"${(@f)$($words[1] __complete \"${(@)words[2,CURRENT-1]}\" \"$PREFIX\" 2>/dev/null)}\")\n"
    "    for line in $lines; do\n"
    "        case $line in\n"
    "        (:files) _files ;;\n"
    "        (:directories) _files -/ ;;\n"
    "        (*$'\\t'*) candidates+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
    "        (?*) candidates+=(\"${line//:/\\\\:}\") ;;\n"
    "        esac\n"
    "    done\n"
    "    (( $#candidates )) && _describe -t words arc candidates\n"
    "    return 0\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _arc ]; then\n"
    "    _arc \"$@\"\n"
    "else\n"
    "    compdef _arc arc\n"
    "fi\n";

static const char fish[] =
    "# Completion of arc in fish: arc completion fish | source\n"
    "function __arc_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l word (commandline -ct)\n"
    "    for line in (command $words[1] __complete $words[2..-1] \"$word\" 2>/dev/null)\n"
    "        switch $line\n"
    "            case ':files'\n"
    "                __fish_complete_path \"$word\"\n"
    "            case ':directories'\n"
    "                __fish_complete_directories \"$word\"\n"
    "            case '*'\n"
    "                echo -- $line\n"
    "        end\n"
    "    end\n"
    "end\n"
    "complete -c arc -f -a '(__arc_complete)'\n";

static int completion(struct arc *arc, int argc, char **argv)
{
    static const struct {
        const char *shell, *script;
    } scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    int code = 0;
    arc_auto_list struct arc_list words = {0};
    if (!arc_arguments(arc, NULL, argc, argv, &words, &code)) {
        return code;
    }
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        if (strcmp(scripts[i].shell, words.items[0]) == 0) {
            fputs(scripts[i].script, stdout);
            return ARC_EXIT_OK;
        }
    }
    return arc_usage(arc, "completion: '%s' is no shell that is known: expected bash, zsh or fish",
                     words.items[0]);
}

const struct arc_command arc_command_completion = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .brief = "Print the completion script of a shell",
    .help =
        "It is installed where the shells look for it. From elsewhere: source <(arc completion bash)\n",
    .run = completion,
    .min = 1,
    .max = 1,
    .words = {ARC_WORDS_SHELL},
    .unsettled = true,
};
