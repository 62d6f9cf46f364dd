" Editing of Forgather templates: comments, indentation, and words that may be import specs.
if exists('b:did_ftplugin')
  finish
endif
let b:did_ftplugin = 1

setlocal commentstring=##\ %s
setlocal comments=:##,:#
setlocal expandtab shiftwidth=4 softtabstop=4
setlocal suffixesadd=.yaml

let b:undo_ftplugin = 'setlocal commentstring< comments< expandtab< shiftwidth< softtabstop< suffixesadd<'
