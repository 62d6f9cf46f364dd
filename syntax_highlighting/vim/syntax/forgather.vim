" Vim syntax file
" Language: Forgather templates: YAML, Jinja, line statements and block headers
" The rules are those of the VS Code grammar beside this folder; of two items that match at one place
" Vim takes the one defined last, so the order here is from general to particular.

if exists('b:current_syntax')
  finish
endif

let s:cpo_save = &cpo
set cpo&vim

syntax case match
syntax sync minlines=200

" -- YAML

syntax match forgatherPunctuation "[][{},]"
syntax match forgatherPunctuation "\%(^\|\s\)\zs-\ze\%(\s\|$\)"
syntax match forgatherDocument "^\%(---\|\.\.\.\)\ze\%(\s\|$\)"

" YAML 1.1: 1e-3 is a string, 1.0e-3 is a number
syntax match forgatherNumber "\%([[:space:]\[{,:]\)\@1<=[-+]\?\%(0x\x\+\|\d[0-9_]*\)\ze\%($\|[[:space:],\]}]\)"
syntax match forgatherFloat "\%([[:space:]\[{,:]\)\@1<=[-+]\?\d[0-9_]*\.[0-9_]*\%([eE][-+]\d\+\)\?\ze\%($\|[[:space:],\]}]\)"
syntax match forgatherFloat "\%([[:space:]\[{,:]\)\@1<=[-+]\?\.\%(inf\|nan\|\d\+\)\ze\%($\|[[:space:],\]}]\)"
syntax match forgatherConstant "\%([[:space:]\[{,:]\)\@1<=\%(null\|Null\|NULL\|\~\|[Tt]rue\|TRUE\|[Ff]alse\|FALSE\|[Yy]es\|YES\|[Nn]o\|NO\|[Oo]n\|ON\|[Oo]ff\|OFF\)\ze\%($\|[[:space:],\]}]\)"

syntax match forgatherKey "\%(^\|[[:space:]{,]\)\@1<=[[:alpha:]_.$/][^[:space:]\[\]{},:#'\"]*\ze\s*:\%(\s\|$\)"
syntax match forgatherHiddenKey "^\.[[:alnum:]_.-]\+\ze\s*:\%(\s\|$\)"
syntax match forgatherMerge "\%(^\|[[:space:]{,]\)\@1<=<<\ze\s*:\%(\s\|$\)"
syntax match forgatherAnchor "\%(^\|[[:space:]\[{,:]\)\@1<=&[^[:space:]\[\]{},]\+"
syntax match forgatherAlias "\%(^\|[[:space:]\[{,:]\)\@1<=\*[^[:space:]\[\]{},]\+"

" Tags: what does not exist first, then what does
syntax match forgatherBadTag "\%(^\|[[:space:]\[{,]\)\@1<=!\a[^[:space:]\[\]{},]*"
syntax match forgatherTag "!!\w\+"
syntax match forgatherTag "!var\ze\%($\|[[:space:],\]}]\)"
syntax match forgatherTag "!\%(list\|tuple\|dict\|dlist\)\ze\%($\|[[:space:],:\]}]\)" nextgroup=forgatherIdentity
syntax match forgatherTag "!\%(singleton\|call\|factory\|partial\|lambda\|meta\)\ze:" nextgroup=forgatherSpec
syntax match forgatherSpec ":[^[:space:]@\[\]{},]*" contained contains=forgatherSymbol nextgroup=forgatherIdentity
syntax match forgatherSymbol "[^:]\+$" contained
syntax match forgatherSymbol ":\@1<=[^:@[:space:]\[\]{},]\+\ze\%($\|[@[:space:]\[\]{},]\)" contained
syntax match forgatherIdentity ":\?@[^[:space:]\[\]{},]\+" contained

" A quote inside a word is an apostrophe
syntax region forgatherString start=+\%(^\|[[:space:]\[{,:]\)\@1<="+ skip=+\\.+ end=+"\|$+ oneline contains=forgatherEscape,@forgatherInline
syntax region forgatherString start=+\%(^\|[[:space:]\[{,:]\)\@1<='+ skip=+''+ end=+'\|$+ oneline contains=@forgatherInline
syntax match forgatherEscape "\\." contained

" Text of key: |  that is indented more than the line that begins it
syntax match forgatherIndicator "\s\@1<=[|>][-+1-9]\{,2}\s*$" nextgroup=forgatherText skipnl skipempty
syntax region forgatherText start="^\z(\s\+\)\S" end="^\ze\%(\z1\|\s*$\|\s*\%(--\|<<\|>>\|==\|=>\)\s\|\s*##\)\@!" contained contains=@forgatherLines,@forgatherInline

syntax match forgatherYamlComment "\%(^\|\s\)\@1<=#.*$" contains=forgatherTodo
syntax keyword forgatherTodo TODO FIXME XXX NOTE contained

" -- Jinja

syntax match forgatherVariable "\<\h\w*\>" contained
syntax match forgatherFunction "\<\h\w*\ze\s*(" contained
syntax keyword forgatherNamespace ns contained
syntax keyword forgatherSuper super contained
syntax keyword forgatherWordOperator and or not in is if else contained
syntax keyword forgatherJinjaConstant true false none True False None contained
syntax match forgatherJinjaNumber "\<\d[0-9_]*\%(\.\d\+\)\?\%([eE][-+]\?\d\+\)\?\>" contained
syntax match forgatherOperator "==\|!=\|<=\|>=\|//\|\*\*\|[-+*/%~<>=]" contained
syntax match forgatherFilter "|\s*\zs\h\w*" contained
syntax match forgatherTest "\%(\<is\s\+\%(not\s\+\)\?\)\@20<=\%(not\>\)\@!\h\w*" contained
syntax region forgatherJinjaString start=+"+ skip=+\\.+ end=+"\|$+ oneline contained contains=forgatherEscape
syntax region forgatherJinjaString start=+'+ skip=+\\.+ end=+'\|$+ oneline contained contains=forgatherEscape
syntax cluster forgatherExpression contains=forgatherVariable,forgatherFunction,forgatherNamespace,forgatherSuper,forgatherWordOperator,forgatherJinjaConstant,forgatherJinjaNumber,forgatherOperator,forgatherFilter,forgatherTest,forgatherJinjaString

syntax keyword forgatherStatement autoescape call do elif else endautoescape endcall endfilter endfor endif endmacro endraw endset endwith filter for if macro raw recursive set with contained
syntax keyword forgatherImport extends include import from as contained
syntax match forgatherImport "\<\%(ignore missing\|with context\|without context\)\>" contained
syntax keyword forgatherStatement block endblock contained nextgroup=forgatherBlockName skipwhite
syntax match forgatherBlockName "\h\w*" contained nextgroup=forgatherModifier skipwhite
syntax keyword forgatherModifier required scoped contained
syntax cluster forgatherStatements contains=@forgatherExpression,forgatherStatement,forgatherImport

syntax region forgatherInlineExpression matchgroup=forgatherDelimiter start="{{-\?" end="-\?}}" contains=@forgatherExpression
syntax region forgatherInlineStatement matchgroup=forgatherDelimiter start="{%[-+]\?" end="[-+]\?%}" contains=@forgatherStatements
syntax region forgatherComment start="{#" end="#}" contains=forgatherTodo
syntax cluster forgatherInline contains=forgatherInlineExpression,forgatherInlineStatement,forgatherComment

" -- Lines of Forgather

syntax match forgatherTrailing "\s\@1<=##.*$" contains=forgatherTodo
syntax region forgatherStatementLine matchgroup=forgatherMarker start="^\s*\%(--\|<<\|>>\)\ze\s" end="$" oneline contains=@forgatherStatements,forgatherTrailing
syntax region forgatherExpressionLine matchgroup=forgatherMarker start="^\s*\%(==\|=>\)\ze\s" end="$" oneline contains=@forgatherExpression,forgatherTrailing
syntax match forgatherHeader "^\s*\[\h\w*!*\]\s*$" contains=forgatherHeaderName
syntax match forgatherHeaderName "\h\w*" contained
syntax match forgatherComment "^\s*##.*$" contains=forgatherTodo
syntax match forgatherSeparator "^#\s*-\{3,}\s*[[:alnum:]_./]\+\s*-\{3,}\s*$" contains=forgatherTemplateName
syntax match forgatherTemplateName "[[:alnum:]_./]*[[:alnum:]_][[:alnum:]_./]*" contained
syntax cluster forgatherLines contains=forgatherStatementLine,forgatherExpressionLine,forgatherHeader,forgatherComment,forgatherTrailing

" -- Colours

highlight default link forgatherPunctuation Delimiter
highlight default link forgatherDocument PreProc
highlight default link forgatherNumber Number
highlight default link forgatherFloat Float
highlight default link forgatherConstant Boolean
highlight default link forgatherKey Identifier
highlight default link forgatherHiddenKey Special
highlight default link forgatherMerge Operator
highlight default link forgatherAnchor Type
highlight default link forgatherAlias Type
highlight default link forgatherBadTag Error
highlight default link forgatherTag StorageClass
highlight default link forgatherSpec Include
highlight default link forgatherSymbol Structure
highlight default link forgatherIdentity Tag
highlight default link forgatherString String
highlight default link forgatherEscape SpecialChar
highlight default link forgatherText String
highlight default link forgatherIndicator Delimiter
highlight default link forgatherYamlComment Comment
highlight default link forgatherComment Comment
highlight default link forgatherTrailing Comment
highlight default link forgatherTodo Todo
highlight default link forgatherVariable Identifier
highlight default link forgatherFunction Function
highlight default link forgatherNamespace Special
highlight default link forgatherSuper Special
highlight default link forgatherWordOperator Operator
highlight default link forgatherJinjaConstant Boolean
highlight default link forgatherJinjaNumber Number
highlight default link forgatherOperator Operator
highlight default link forgatherFilter Function
highlight default link forgatherTest Function
highlight default link forgatherJinjaString String
highlight default link forgatherStatement Statement
highlight default link forgatherImport Include
highlight default link forgatherModifier StorageClass
highlight default link forgatherBlockName Function
highlight default link forgatherDelimiter Delimiter
highlight default link forgatherMarker PreProc
highlight default link forgatherHeader Delimiter
highlight default link forgatherHeaderName Function
highlight default link forgatherSeparator PreProc
highlight default link forgatherTemplateName Title

let b:current_syntax = 'forgather'

let &cpo = s:cpo_save
unlet s:cpo_save
